checks.date = (value, first, last) => {
  if (!value) return undefined;
  const day = /^[12]\d{3}-[01]\d-[0-3]\d$/.test(value) && new Date(value + "T00:00:00Z");
  if (!day || isNaN(day) || day.toISOString().slice(0, 10) !== value) throw ["date"];
  if (first && value < first || last && value > last) throw ["days", first || "…", last || "…"];
  return value;
};
