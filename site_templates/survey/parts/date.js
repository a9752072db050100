// A day that there is, as toJSON says it again.
checks.date = (value, first, last) => {
  if (!value) return;
  if (!/^[12]/.test(value) || `${new Date(value).toJSON()}`.slice(0, 10) !== value) throw ["date"];
  if (first && value < first || last && value > last) throw ["days", first || "…", last || "…"];
  return value;
};
