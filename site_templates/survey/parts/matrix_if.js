// A matrix whose rows are all hidden is hidden.
after.push(() => all(".a").forEach(matrix => {
  matrix.hidden = !matrix.querySelector(".q:not([hidden])");
}));
