// A day that there is, as toJSON says it again.
checks.date = (value, first, last) => {
  if (!value) return;
  refuse(!/^[12]/.test(value) || `${new Date(value).toJSON()}`.slice(0, 10) !== value, "date");
  refuse(first && value < first || last && value > last, "days", first || "…", last || "…");
  return value;
};
