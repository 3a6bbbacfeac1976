/**
 * The page whose tab is a client of federated training: its pictures are chosen here and stay here, it trains on WebGPU, and it sends what
 * it has changed of the model.
 *
 * @module
 */

import { memoryNumbers } from "../../src/recipes/federated/client.ts";
import { beTabClient } from "../../src/recipes/federated/tab_client.ts";
import { madePictures, type OwnPictures, picturesOfFolder } from "./own_pictures.ts";

const element = <Kind extends HTMLElement>(id: string) => document.getElementById(id) as Kind;

const status = element("status"), log = element<HTMLTableSectionElement>("log"), data = element("data");
const number = element<HTMLInputElement>("client"), folder = element<HTMLInputElement>("folder");
const made = element<HTMLButtonElement>("made"), join = element<HTMLButtonElement>("join");

/** What phases are called. */
const PHASE_TEXTS = {
  ...{ keys: "made new keys", deal: "dealt shares of its secrets", train: "trained", reveal: "revealed shares" },
  evaluate: "measured the model",
} as const;

let own: OwnPictures | undefined, stop: AbortController | undefined;

function show(text: string): void {
  status.textContent = text;
}

function use(pictures: OwnPictures): void {
  own = pictures;
  data.textContent = pictures.text;
  join.disabled = false;
  show("Ready to join.");
}

folder.addEventListener("change", async () => {
  const files = [...folder.files ?? []];
  if (files.length === 0) return;
  show("Reading the folder.");
  try {
    use(await picturesOfFolder(files));
  } catch (error) {
    show((error as Error).message);
  }
});

made.addEventListener("click", () => use(madePictures()));

/** A row of the log. */
function tell(round: number, what: string): void {
  const row = log.insertRow();
  for (const text of [new Date().toLocaleTimeString(), String(round + 1), what]) row.insertCell().textContent = text;
}

join.addEventListener("click", async () => {
  if (stop) return stop.abort();
  const pictures = own!, client = Number(number.value);
  stop = new AbortController();
  const controls = [number, folder, made];
  for (const control of controls) control.disabled = true;
  join.textContent = "Leave";
  show(`Client ${client} waits for the server.`);
  const why = await beTabClient(new URL(".", location.href), client, { ...pictures, kept: memoryNumbers() }, {
    signal: stop.signal,
    onPhase(phase, round, became, fault) {
      if (became === "begun") return show(phase === "train" ? `Training in round ${round + 1}.` : "Answering.");
      tell(round, became === "done" ? PHASE_TEXTS[phase] : `${phase} failed: ${fault}`);
      show(`Client ${client} waits for the server.`);
    },
  });
  stop = undefined;
  for (const control of controls) control.disabled = false;
  join.textContent = "Join";
  show(`Not joined: ${why}.`);
});

const gpu = (navigator as Partial<Navigator>).gpu, adapter = await gpu?.requestAdapter().catch(() => null);
number.value = new URLSearchParams(location.search).get("client") ?? "0";
if (adapter) {
  for (const control of [number, folder, made]) control.disabled = false;
  show("Choose your pictures, then join.");
} else {show(
    gpu
      ? "This browser found no graphics adapter for WebGPU, which training needs."
      : "This browser has no WebGPU, which training needs.",
  );}
