// One block of the input of a 1x1 convolution, computed by the depthwise convolution before it: TILE_X x TILE_Y pixels, named as those
// that are loaded otherwise. Part of the loop of conv/direct.wgsl, whose names it uses. The row of weights of the block holds the taps
// and then the biases behind the weights of the 1x1 convolution, four channels a cell.
#const TAPS = DEPTHWISE * DEPTHWISE
    let stageBias = weight($(OUT_BLOCKS * 4 + TAPS), block, layer);
#for j in 0..TILE_Y
#for i in 0..TILE_X
    var x_$(j)_$i = stageBias;
#end
#end
#for t in 0..TAPS
    let tap_$t = weight($(OUT_BLOCKS * 4 + t), block, layer);
#end
#for j in 0..NY
    {
#for i in 0..NX
      let cell_$i = select(vec4f(0.0), load_x(origin.x + cx_$i, origin.y + cy_$j), inX_$i && inY_$j);
#end
      // Every row of the input goes into the pixels whose windows hold it.
#for v in 0..TILE_Y
#if j >= v * STEP && j < v * STEP + DEPTHWISE
#for u in 0..TILE_X
#for t in 0..DEPTHWISE
      x_$(v)_$u += cell_$(u * STEP + t) * tap_$((j - v * STEP) * DEPTHWISE + t);
#end
#end
#end
#end
    }
#end
#for j in 0..TILE_Y
#for i in 0..TILE_X
    x_$(j)_$i = activateStage(x_$(j)_$i, params.stageA, params.stageB);
#end
#end
