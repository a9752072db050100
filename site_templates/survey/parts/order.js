// A ranking's rule: as several choices, in the order given.
extra.order = (value, [, codes, least, most]) => {
  const given = Array.isArray(value) ? value.filter(code => code !== "") : value;
  return check(["codes", codes, least, most], given) && given;
};
