// Binds the parameters of a dispatch: `params`, of the shader's `struct Params`. With JOINED_STEPS > 1 the dispatch computes several steps, whose
// workgroups follow each other (src/kernels/join.ts): there are parameters of each, and lib/entry.wgsl takes those of a thread's step.
#include "lib/storage.wgsl"
#if JOINED_STEPS > 1
struct JoinedStep {
  rows: vec4i,          // first rows of the step's tensors at bindings 1 to 4, within what is bound
  place: vec4i,         // the same at binding 5, first layer of its weights, number of its first workgroup
  grid: vec4i,          // its workgroups: x, y, z
  params: Params,
}
struct JoinedSteps {
#for p in 0..JOINED_STEPS
  step$p: JoinedStep,
#end
}
@group(0) @binding(0) var<uniform> joined: JoinedSteps;
var<private> params: Params;
#for b in 1..6
var<private> stepRow$b: i32;
#end
var<private> stepLayer: i32;
#else
@group(0) @binding(0) var<uniform> params: Params;
#end
