// A number that was typed.
const numeric = text => {
  const number = narrow(clean(text));
  return /^-?\d{1,15}(\.\d{1,9})?$/.test(number) ? +number : text;
};
coercions.scale = coercions.number = numeric;
