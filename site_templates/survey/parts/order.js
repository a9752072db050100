// A ranking's rule: as several choices, in the order given.
checks.order = (value, codes, least, most) => {
  const given = Array.isArray(value) ? value.filter(code => code !== "") : value;
  return checks.codes(given, codes, least, most) && given;
};
coercions.order = coercions.codes;
