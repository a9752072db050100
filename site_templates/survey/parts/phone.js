checks.phone = value => {
  const kept = checks.text(value, 0, 40);
  refuse(kept && !/^\+?\d([ -]?\d){4,17}$/.test(kept), "phone");
  return kept;
};
