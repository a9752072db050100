// A text of a known form.
const match = (value, most, pattern, code) => {
  const kept = checks.text(value, 0, most), typed = kept && narrow(kept);
  refuse(kept && !pattern.test(typed), code);
  return typed;
};
