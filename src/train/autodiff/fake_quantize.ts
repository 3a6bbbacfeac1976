/**
 * Straight-through gradients of the operators of quantization-aware training (Bengio et al. 2013): rounding counts as the identity.
 *
 * @module
 */

import { QUANTIZED_RANGE } from "../../graph/mod.ts";
import { type GradientRule, only } from "./rule.ts";

/** dy where x lies within what i8 holds, else 0: the gradient of a Clip to that range. Whether Clip's input or output is looked at is one. */
export const fakeQuantize: GradientRule<"FakeQuantize"> = ({ inputs, attributes: { scale, zeroPoint } }, request) => {
  const bound = (steps: number) => Math.fround((steps - zeroPoint) * Math.fround(scale));
  const [min, max] = QUANTIZED_RANGE.i8.map(bound);
  return [request.context.one("ActivationGradient", request.base, [inputs[0], only(request)], {
    activation: "Clip",
    min,
    max,
  })];
};

/** dy itself. */
export const fakeQuantizeWeights: GradientRule<"FakeQuantizeWeights"> = (_, request) => [only(request)];

/** dy itself. */
export const noisyQuantize: GradientRule<"NoisyQuantize"> = (_, request) => [only(request)];
