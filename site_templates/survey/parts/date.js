checks.date = (value, first, last) => {
  refuse(typeof value !== "string", "type");
  if (!value) return undefined;
  const day = /^[12]\d{3}-[01]\d-[0-3]\d$/.test(value) && new Date(value + "T00:00:00Z");
  refuse(!day || isNaN(day) || day.toISOString().slice(0, 10) !== value, "date");
  refuse(first && value < first || last && value > last, "days", first || "…", last || "…");
  return value;
};
