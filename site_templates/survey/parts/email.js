checks.email = value => {
  const kept = checks.text(value, 0, 254);
  refuse(kept && !/^[\w.!#$%&'*+\/=?^`{|}~-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(kept), "email");
  return kept;
};
