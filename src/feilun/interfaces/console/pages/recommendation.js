/** The page of recommendation: lists for a user with their reasons, and what experiments came to. */

import { showExperiment } from "./experiment.js";
import { start } from "./frame.js";
import { showLists } from "./lists.js";

start("recommendation", [
  { name: "lists", scope: "predict", show: showLists },
  { name: "experiment", scope: "admin", show: showExperiment },
]);
