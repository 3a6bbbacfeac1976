/**
 * `federated`: trains a model on the pictures of several clients, which never leave them; also is such a client.
 *
 * @module
 */

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Option } from "npm:@commander-js/extra-typings@15.1.0";
import { cacheFolder } from "../data/cache.ts";
import { openTrainingPart, openValidationPart } from "../data/parts.ts";
import { FeatherdetError } from "../graph/error.ts";
import { makeFolder } from "../host/table_files.ts";
import { writeWhole } from "../host/whole_file.ts";
import { saveOnnx } from "../onnx/mod.ts";
import { folderFiles } from "../queue/files.ts";
import { openJobQueue } from "../queue/job_queue.ts";
import { folderClient } from "../recipes/federated/folder_client.ts";
import { localPool } from "../recipes/federated/local_pool.ts";
import { clientHandler, clientQueue, queuePool } from "../recipes/federated/pool.ts";
import { type FederatedOptions, type RoundRecord, runFederated } from "../recipes/federated/server.ts";
import { trainModel } from "../recipes/starting_model.ts";
import { SERVER_OPTIMIZERS, type ServerOptimizerName } from "../train/federated/server.ts";
import { DEAL_NAMES } from "../train/federated/split.ts";
import { inputSize, integerIn, numberIn } from "./arguments.ts";
import { serveClientPage } from "./federated_page.ts";
import type { Output } from "./output.ts";
import { INTERRUPTED, stopSignal } from "./stop_signal.ts";
import { deviceAction, deviceVerb } from "./verb.ts";

const EXAMPLES =
  `deno task federated --model yolo11n --data bccd --clients 4 --rounds 20 --deal dirichlet --out runs/federated
  deno task federated --client 2 --queue postgres://me:secret@host/db --data my-pictures/data.yaml
  deno task federated --model yolo11n --data bccd --clients 4 --queue postgres://me:secret@host/db --secure --out runs/f`;

const MORE = `
Without --queue the clients are in this process, one after the other, and --data is dealt out to them. With --queue each client
is a process of its own (--client N, from 0), which takes jobs of its own queue; with --data it trains on its own pictures.
fedprox is fedavg with --mu (0.01 where nothing is said). --secure: the server learns the sum of the updates alone. --noise and
--clip: differential privacy of clients; the epsilon of all rounds is printed. With --page a web page is served whose tabs are
clients, trained on WebGPU in the browser; with --queue beside processes, and without --model and --out the page alone.`;

/** Clients that are lost on purpose: `ROUND:CLIENT` with commas between them. */
function lostList(text: string): ReadonlySet<string> {
  const words = text.split(",").map((word) => word.trim());
  if (words.every((word) => /^\d+:\d+$/.test(word))) return new Set(words);
  throw new FeatherdetError(`clients that are lost are ROUND:CLIENT with commas between them, not "${text}"`);
}

function roundText({ round, heard, asked, losses, score, sentBytes, epsilon, skipped }: RoundRecord): string {
  const told = Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`);
  return [
    `round ${round + 1}`,
    `${heard.length} of ${asked.length} clients${skipped === undefined ? "" : ` (${skipped})`}`,
    ...told,
    `${(sentBytes / 1e6).toFixed(2)} MB sent`,
    ...(score ? [`mAP50 ${score.map50.toFixed(3)}`, `mAP50-95 ${score.map.toFixed(3)}`] : []),
    ...(epsilon === undefined ? [] : [`epsilon ${epsilon.toFixed(2)}`]),
  ].join("  ");
}

/** Serves the page of clients until Ctrl-C. */
async function onlyPage(options: Parameters<typeof serveClientPage>[0], output: Output): Promise<object> {
  const stop = stopSignal(output, "stopping");
  try {
    await using page = await serveClientPage(options);
    output.line(`clients open ${page.url} in a browser, Ctrl-C ends`);
    await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
    Deno.exitCode = INTERRUPTED;
    return { url: page.url, clients: options.clients };
  } finally {
    stop.release();
  }
}

/** Takes a client's jobs until Ctrl-C. */
async function beClient(client: number, url: string, data: string | undefined, output: Output): Promise<object> {
  const stop = stopSignal(output, "stopping");
  try {
    await using queue = await openJobQueue(clientQueue(url, client), {
      onWarning: (text) => output.note(`warning: ${text}`),
    });
    const own = folderClient(queue.files, cacheFolder("federated"), { ...(data && { pictures: { data } }) });
    output.note(`client ${client} takes jobs of ${queue.where}`);
    let answered = 0;
    await queue.work(clientHandler(own), {
      signal: stop.signal,
      onJob({ title }, became, error) {
        if (became === "done") answered++;
        if (became !== undefined) output.note(`${title}: ${became}${error === undefined ? "" : `: ${error}`}`);
      },
    });
    Deno.exitCode = INTERRUPTED;
    return { client, queue: queue.where, answered };
  } finally {
    stop.release();
  }
}

const OPTIMIZERS = ["fedavg", "fedprox", "fedavgm", "fedadam"] as const;

const COUNT = integerIn(1, 1_000_000), RATE = numberIn(0, 1e6);

/** The verb `federated`. */
export const federatedVerb = deviceVerb(
  "federated",
  "Train a model on the pictures of several clients, which never leave them.",
  EXAMPLES,
)
  .option("--model <model>", "name, ONNX file or URL of the model to begin with")
  .option("--data <set>", "data set that is dealt out; of a client, its own pictures")
  .option("--out <folder>", "where to write model.onnx and rounds.json")
  .option("--clients <number>", "number of clients", integerIn(1, 10_000), 4)
  .option("--rounds <number>", "number of rounds", COUNT, 10)
  .option("--share <share>", "share of the clients that take part in a round", numberIn(0.0001, 1), 1)
  .addOption(new Option("--deal <how>", "how pictures are dealt out").choices(DEAL_NAMES).default("dirichlet" as const))
  .option("--alpha <number>", "concentration of dirichlet: the smaller, the more uneven", numberIn(0.001, 1e6), 0.5)
  .addOption(
    new Option("--optimizer <name>", "how the server moves the model").choices(OPTIMIZERS).default("fedavg" as const),
  )
  .option("--server-lr <rate>", "factor of a round's step", RATE)
  .option("--server-momentum <share>", "of fedavgm and fedadam", numberIn(0, 1))
  .option("--mu <number>", "draws clients to the common model (FedProx)", RATE)
  .option("--epochs <number>", "epochs of a client in a round", COUNT, 1)
  .option(
    "--sample <number>",
    "pictures of a client in a round, drawn anew; with --batch as large: data-parallel steps",
    COUNT,
  )
  .option("--batch <number>", "pictures of a step", integerIn(1, 1024), 8)
  .option("--lr <rate>", "learning rate of clients", RATE, 0.01)
  .option("--momentum <share>", "momentum of clients", numberIn(0, 1), 0.9)
  .option("--size <pixels>", "side of the input", inputSize, 320)
  .option("--seed <number>", "of weights, dealing and order", integerIn(0, 2 ** 31 - 1), 0)
  .option("--no-augment", "train on pictures as they are")
  .option("--no-pretrained", "begin with random weights")
  .option("--width <factor>", "of a model that is built by its name", numberIn(0.01, 4))
  .option("--depth <factor>", "of a model that is built by its name", numberIn(0.01, 4))
  .option("--limit <number>", "only the first so many pictures", COUNT)
  .option("--val-limit <number>", "measure on the first so many pictures", COUNT)
  .option("--val-every <number>", "measure every so many rounds", COUNT, 1)
  .option("--local-norm", "clients keep their own BatchNormalization (FedBN)")
  .addOption(
    new Option("--compression <how>", "of what clients send").choices(["none", "int8", "topk"] as const).default(
      "none" as const,
    ),
  )
  .option("--keep <share>", "share of the numbers that topk sends", numberIn(0.00001, 1), 0.01)
  .option("--secure", "secure aggregation: updates under masks")
  .option("--range <number>", "greatest change of a number under masks", RATE, 16)
  .option("--clip <length>", "greatest length of a client's update (privacy)", RATE)
  .option("--noise <factor>", "noise of the sum, in lengths of the clip (privacy)", RATE)
  .option("--delta <probability>", "of the epsilon that is printed", numberIn(0, 1), 1e-5)
  .option("--lose <list>", "trial without --queue: ROUND:CLIENT, counted from 0, do not answer", lostList)
  .option("--queue <url>", "clients are processes that take jobs of queues in this database")
  .option("--deadline <seconds>", "with --queue: who is later is left out", COUNT, 3600)
  .option("--page <port>", "serve a page on this port whose tabs are clients", integerIn(0, 65535))
  .option(
    "--host <address>",
    "with --page: where it listens; browsers of other machines need https in front",
    "127.0.0.1",
  )
  .option("--client <number>", "be this client, from 0, with --queue", integerIn(0, 9999))
  .addHelpText("after", MORE)
  .action(async (options) => {
    await deviceAction<typeof options>(async (settings, output) => {
      const { client, data, model: source, out, rounds, clients, share, seed, lose, page: port, host } = settings;
      // Tabs take jobs of queues, too: of one in this run's folder where nobody names another.
      const url = settings.queue ??
        (port === undefined || out === undefined ? undefined : `pglite:${join(out, "queue")}`);
      const say = (line: string) => output.note(line);
      if (client !== undefined) {
        if (url === undefined) throw new FeatherdetError("a client takes its jobs from a queue: --queue says which");
        return await beClient(client, url, data, output);
      }
      if (port !== undefined && source === undefined) {
        if (url === undefined) {
          throw new FeatherdetError("a page alone needs the queue whose jobs its tabs take: --queue");
        }
        return await onlyPage({ queue: url, clients, port, host, say }, output);
      }
      if (source === undefined || data === undefined || out === undefined) {
        throw new FeatherdetError("--model, --data and --out say what is trained and where it goes");
      }
      const { clip, noise, delta, secure, range, compression, localNorm, limit, optimizer: asked, mu } = settings;
      if ((clip === undefined) !== (noise === undefined)) throw new FeatherdetError("--clip and --noise go together");
      const dataset = await openTrainingPart(data, { limit });
      const validation = await openValidationPart(data, dataset, { limit: settings.valLimit });
      const start = await trainModel({ ...settings, model: source }, dataset, say);
      const optimizer: ServerOptimizerName = asked === "fedprox" ? "fedavg" : asked;
      const { learningRate, momentum } = SERVER_OPTIMIZERS[optimizer].defaults;
      const federated: FederatedOptions = {
        ...{ run: `run-${randomUUID().slice(0, 8)}`, rounds, clients, share, seed, optimizer },
        server: {
          learningRate: settings.serverLr ?? learningRate,
          momentum: settings.serverMomentum ?? momentum,
        },
        training: {
          ...(settings.sample !== undefined && { sample: settings.sample }),
          ...{ data, split: dataset.split, limit, epochs: settings.epochs, batch: settings.batch, seed },
          ...{ learningRate: settings.lr, momentum: settings.momentum, augment: settings.augment },
          ...{ mu: mu ?? (asked === "fedprox" ? 0.01 : 0), localNorm: localNorm ?? false, compression },
          ...{ keep: settings.keep, deal: { how: settings.deal, clients, seed, alpha: settings.alpha } },
        },
        ...(secure && { secure: { range } }),
        ...(clip !== undefined && { privacy: { clip, noise: noise!, delta } }),
        ...{ validation, validateEvery: settings.valEvery },
        validationName: validation && { data, split: validation.split, limit: settings.valLimit },
      };
      await makeFolder(out);
      const files = folderFiles(join(out, "files")), here = folderClient(files, join(out, "clients"));
      await using pool = url === undefined
        ? localPool(
          files,
          () => here,
          (phase, round, id) => phase === "train" && (lose?.has(`${round}:${id}`) ?? false),
        )
        : await queuePool(url, clients, settings.deadline);
      await using page = port === undefined || url === undefined
        ? undefined
        : await serveClientPage({ queue: url, clients, port, host, say });
      if (page) output.note(`clients open ${page.url} in a browser`);
      const started = performance.now(), records: RoundRecord[] = [];
      await runFederated(start, pool, federated, {
        say,
        async onRound(record, model) {
          records.push(record);
          output.line(roundText(record));
          await writeWhole(join(out, "model.onnx"), saveOnnx(model));
          const { validation: _, ...kept } = federated;
          await writeWhole(
            join(out, "rounds.json"),
            `${JSON.stringify({ settings: kept, rounds: records }, null, 2)}\n`,
          );
        },
      });
      const { score, epsilon } = records.at(-1)!;
      return {
        ...{ map50: score?.map50 ?? null, map: score?.map ?? null, ...(epsilon !== undefined && { epsilon, delta }) },
        ...{ seconds: (performance.now() - started) / 1000, model: join(out, "model.onnx"), rounds: records },
      };
    })(options);
  });
