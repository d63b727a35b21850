/** The page of public opinion: trends, incidents with their causes, and the documents behind each number. */

import { showDocuments } from "./documents.js";
import { start } from "./frame.js";
import { showIncidents } from "./incidents.js";
import { showTrends } from "./trends.js";

start("public_opinion", [
  { name: "trends", scope: "predict", show: showTrends },
  { name: "incidents", scope: "predict", show: showIncidents },
  { name: "documents", scope: "predict", show: showDocuments },
]);
