  // In a function's body: the image, the output group (layer) and the tile of a thread, where threads are numbered in one line. All groups
  // of as many tiles as a workgroup has threads come before the next tiles: what they read of the input is then still in a cache.
  let index = min(linearIndex(thread), params.tiles * params.layers * params.output.batch - 1);
  let image = divide(index, params.tiles * params.layers);
  let ofImage = index - image * params.tiles * params.layers;
  let run = divide(ofImage, WORKGROUP * params.layers);
  let ofRun = ofImage - run * WORKGROUP * params.layers;
  // The last tiles of an image may be fewer.
  let together = min(WORKGROUP, params.tiles - run * WORKGROUP);
  let layer = divide(ofRun, together);
  let tile = run * WORKGROUP + ofRun - layer * together;
