// Calculated values: the twin of formulas.py, where the rules are told.
const figure = (formula, answers) => {
  if (typeof formula === "string") formula = answers[formula];
  if (!Array.isArray(formula)) return typeof formula === "number" ? formula : undefined;
  const [operator, ...operands] = formula, [condition, first, second] = operands;
  if (operator === "if") return figure(holds(condition, answers) ? first : second, answers);
  if (operator === "count") return operands.filter(name => answers[name] !== undefined).length;
  const values = operands.map(operand => figure(operand, answers));
  const there = values.filter(value => value !== undefined), [x, y] = there;
  const sum = there.reduce((total, value) => total + value, 0);
  const whole = there.length === values.length;
  const found = operator === "sum" ? sum
    : operator === "mean" ? sum / there.length
    : operator === "min" ? Math.min(...there)
    : operator === "max" ? Math.max(...there)
    : !whole ? NaN
    : operator === "+" ? x + y
    : operator === "-" ? x - y
    : operator === "*" ? x * y
    : x / y;
  return there.length && isFinite(found) ? found + 0 : undefined;
};
checks.value = (value, formula, b, c, answers) => figure(formula, answers);
coercions.value = coercions.codes;
