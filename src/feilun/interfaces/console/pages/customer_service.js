/** The page of customer service: a chat, the queue of people who take over, candidates for the FAQ, measures. */

import { showCandidates } from "./candidates.js";
import { showChat } from "./chat.js";
import { start } from "./frame.js";
import { showMeasures } from "./measures.js";
import { showQueue } from "./queue.js";

start("customer_service", [
  { name: "chat", scope: "predict", show: showChat },
  { name: "queue", scope: "admin", show: showQueue },
  { name: "candidates", scope: "admin", show: showCandidates },
  { name: "measures", scope: "admin", show: showMeasures },
]);
