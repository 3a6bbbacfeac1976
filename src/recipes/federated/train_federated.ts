/**
 * Federated training as programs call it: a model, a data set for each client, and how it goes. Everything happens in this program, one
 * client after the other, as a trial of what clients on machines of their own would do.
 *
 * @module
 */

import type { Dataset } from "../../data/dataset.ts";
import { FeatherdetError } from "../../graph/error.ts";
import type { Graph } from "../../graph/graph.ts";
import { memoryFiles } from "../../queue/memory_files.ts";
import type { UpdateCompression } from "../../train/federated/compression.ts";
import type { PrivacySettings } from "../../train/federated/privacy.ts";
import type { ServerOptimizerName, ServerSettings } from "../../train/federated/server.ts";
import { FederatedClient, memoryNumbers } from "./client.ts";
import { localPool } from "./local_pool.ts";
import { type RoundRecord, runFederated } from "./server.ts";

/** How federated training goes. */
export interface TrainFederatedOptions {
  /** Rounds of training and averaging; 10 by default. */
  readonly rounds?: number;
  /** Share of the clients that take part in a round, by chance; 1, all of them, by default. */
  readonly share?: number;
  /** Equal seeds give equal runs on one adapter, but for the noise of privacy; 0 by default. */
  readonly seed?: number;
  /** Epochs of a client in a round; 1 by default. */
  readonly epochs?: number;
  /** Pictures of a step; 8 by default. */
  readonly batch?: number;
  /** So many of a client's pictures in a round, drawn anew; all by default. With `batch` as large a round is one data-parallel step. */
  readonly sample?: number;
  /** Learning rate of the clients' SGD; 0.01 by default. */
  readonly learningRate?: number;
  /** Momentum of the clients' SGD, which begins anew in each round; 0.9 by default. */
  readonly momentum?: number;
  /** Whether pictures are augmented as YOLO detectors usually do; true by default. */
  readonly augment?: boolean;
  /** Draws clients to the common model (FedProx); 0, the default, for none. */
  readonly mu?: number;
  /** How the server moves the model by the mean of what clients changed; `fedavg` by default. */
  readonly optimizer?: ServerOptimizerName;
  /** What differs from the optimizer's defaults. */
  readonly server?: Partial<ServerSettings>;
  /** Whether clients keep their own BatchNormalization (FedBN); false by default. The score is then the mean of the clients' own models. */
  readonly localNorm?: boolean;
  /** How clients compress what they send; `none` by default. */
  readonly compression?: UpdateCompression;
  /** Share of the numbers that `topk` sends; 0.01 by default. */
  readonly keep?: number;
  /** Secure aggregation: the server sees the sum of updates alone. `range` is the greatest change of a number that counts, 16 by default. */
  readonly secure?: boolean | { readonly range: number };
  /** Differential privacy of clients. The model must have its BatchNormalization, and `validation` is what its statistics are measured on. */
  readonly privacy?: PrivacySettings;
  /** Pictures that no client has, on which the model is measured. */
  readonly validation?: Dataset;
  /** Rounds between two measurements; 1 by default. The last one is always measured. */
  readonly validateEvery?: number;
  /** Says which clients, counted from 0, do not answer while they train: a trial of what lost clients cost. */
  readonly isLost?: (round: number, client: number) => boolean;
  /** Told of each round and the model behind it. */
  readonly onRound?: (record: RoundRecord, model: Graph) => void | Promise<void>;
  /** Told in a sentence who does not answer. */
  readonly say?: (line: string) => void;
}

/** What federated training gives. */
export interface FederatedResult {
  /** The common model behind the last round. */
  readonly model: Graph;
  /** What became of each round. */
  readonly rounds: readonly RoundRecord[];
}

/**
 * Trains a detector on the pictures of several clients, as if these never left them: in a round each client trains the common model on its
 * own pictures, sends what it has changed, and the server moves the model by the mean, weighted by pictures (McMahan et al. 2017,
 * https://arxiv.org/abs/1602.05629). `deno task federated` is the same with clients in processes of their own.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { syntheticDataset } from "../../data/synthetic_scenes.ts";
 * import { yolo11 } from "../../models/yolo11.ts";
 * import { dealDataset } from "./deal.ts";
 * import { trainFederated } from "./train_federated.ts";
 *
 * const pictures = syntheticDataset({ split: "train", count: 4, size: 64 });
 * const clients = dealDataset(pictures, "iid", { clients: 2 });
 * const model = yolo11({ width: 0.0625, depth: 0.3, size: 64, classes: pictures.classes });
 * const { rounds } = await trainFederated(model, clients, { rounds: 1, batch: 2, compression: "int8" });
 *
 * assert.deepEqual(rounds[0].heard, [0, 1]);
 * assert.ok(rounds[0].sentBytes < rounds[0].receivedBytes / 2);
 * ```
 *
 * Throws FeatherdetError without clients, for options that do not go together, and as `train` does.
 */
export async function trainFederated(
  model: Graph,
  clients: readonly Dataset[],
  options: TrainFederatedOptions = {},
): Promise<FederatedResult> {
  if (clients.length === 0) throw new FeatherdetError("federated training needs at least one client");
  const { rounds = 10, share = 1, seed = 0, optimizer = "fedavg", server, privacy, validation, isLost } = options;
  const { secure = false, validateEvery = 1, say = () => {}, onRound } = options;
  const { epochs = 1, batch = 8, sample, learningRate = 0.01, momentum = 0.9, augment = true, mu = 0 } = options;
  const { localNorm = false, compression = "none", keep = 0.01 } = options;
  const files = memoryFiles(), run = "here";
  const own = clients.map((pictures, id) =>
    new FederatedClient(files, {
      pictures: () => pictures,
      validation() {
        if (validation) return validation;
        throw new FeatherdetError(`client ${id} has no pictures to be measured on`);
      },
      kept: memoryNumbers(),
    })
  );
  await using pool = localPool(
    files,
    (id) => own[id],
    (phase, round, id) => phase === "train" && (isLost?.(round, id) ?? false),
  );
  return await runFederated(model, pool, {
    ...{ run, rounds, clients: clients.length, share, seed, optimizer, server, privacy, validation, validateEvery },
    ...(secure !== false && { secure: secure === true ? { range: 16 } : secure }),
    ...(validation && { validationName: { data: validation.name } }),
    training: {
      ...{ data: "its own", epochs, batch, learningRate, momentum, seed, augment, mu, localNorm, compression, keep },
      ...(sample !== undefined && { sample }),
    },
  }, {
    say,
    async onRound(record, model) {
      // What was sent is in the model by now.
      files.clear();
      await onRound?.(record, model);
    },
  });
}
