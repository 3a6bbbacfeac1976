// The words of input block BLOCK for output group GROUP, of lib/low_bit_weights.wgsl, as word_0, word_1, ...
#for k in 0..CELLS
    let cell_$k = weightCell(($BLOCK >> $(SHARING / 2)u) * CELLS + $k, $GROUP);
#end
#if SHARING == 4
    let word_0 = cell_0[$BLOCK & 3];
#else
#for m in 0..WORDS
#if SHARING == 2
    let word_$m = select(cell_0[$m], cell_0[$(m + 2)], ($BLOCK & 1) == 1);
#else
    let word_$m = cell_$(m / 4)[$(m % 4)];
#end
#end
#end
