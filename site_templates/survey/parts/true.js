checks.true = value => {
  refuse(typeof value !== "boolean", "type");
  return value || undefined;
};
