/**
 * Trains the networks of an agent that searches, by the same engine as detectors: actor and critic are one graph, and an update is one step
 * of a training session.
 *
 * @module
 */

import type { AgentTrainer, CreateAgentTrainer } from "../../compress/search/ddpg/agent.ts";
import { TrainingSession } from "../../engine/training_session.ts";
import { buildTrainingGraph, type TrainingGraph } from "../../train/mod.ts";
import type { UpdateSettings } from "../../train/loop/trainer.ts";
import type { AgentNetworks } from "../../compress/search/ddpg/networks.ts";
import type { GradientSeeds } from "../../train/mod.ts";
import type { NamedLoss } from "../../train/losses/named_loss.ts";

/** Longest gradient; longer ones are shortened. */
const CLIP = 10;

/** The networks in the form in which they are trained. The actor's weights are a group of their own, since they have a rate of their own. */
export function agentProblem(
  { graph, loss, seed, actor, weights }: AgentNetworks,
): TrainingGraph & { readonly losses: readonly NamedLoss[]; readonly seeds: GradientSeeds } {
  const trained = new Map(actor.map((name) => [name, "norm"] as const));
  return {
    ...buildTrainingGraph(graph, { trained, frozen: (name) => !weights.has(name) }),
    losses: [{ name: "critic", value: loss }],
    seeds: { [seed.value]: seed.gradient },
  };
}

/** A maker of trainers on a device; the shared one by default. */
export function agentTrainers(device?: GPUDevice): CreateAgentTrainer {
  return async (networks, { actor, critic, target }): Promise<AgentTrainer> => {
    const session = await TrainingSession.create(agentProblem(networks), {
      device,
      optimizer: "adamw",
    });
    const settings: UpdateSettings = {
      learningRates: { weight: critic, bias: critic, norm: actor },
      ...{ momentum: 0.9, weightDecay: 0, averageDecay: 1 - target, clipNorm: CLIP },
    };
    return {
      step: (inputs) => session.step(inputs, settings),
      trained: (which) => session.trained(which),
      destroy: () => session.destroy(),
    };
  };
}
