// What is visible and what is valid: the twin of conditions.py, rules.py and reading.py, held to
// them by tests/vectors and by random surveys. Pure: no control, no clock, no network. ES2015.
const bare = object => Object.assign(Object.create(null), object);  // "constructor" is a fine id
const compare = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b
};
const holds = (condition, answers) => {
  const [operator, first, second] = condition, rest = condition.slice(1), value = answers[first];
  const is = (name, operand) => typeof value === typeof operand && compare[name](value, operand);
  switch (operator) {
    case "and": return rest.every(part => holds(part, answers));
    case "or": return rest.some(part => holds(part, answers));
    case "not": return !holds(first, answers);
    case "answered": return value !== undefined;
    case "in": return second.some(operand => is("==", operand));
    case "!in": return value !== undefined && second.every(operand => is("!=", operand));
    case "has": return Array.isArray(value) && value.indexOf(second) >= 0;
    case "!has": return Array.isArray(value) && value.indexOf(second) < 0;
    default: return is(operator, second);
  }
};

// Text as it is kept.
const clean = text => text.replace(/\r\n?/g, "\n")
  .replace(/[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]/gu, "").trim();

// What a control holds (a list of texts), as the value that is sent.
const coerce = ([kind, first], texts) => {
  const text = texts.slice(-1)[0] || "", number = clean(text);
  return kind !== "code" && Array.isArray(first) ? texts
    : kind === "true" ? text === "true"
    : (kind === "scale" || kind === "number") && /^-?\d{1,15}(\.\d{1,9})?$/.test(number) ? +number
    : text;
};

// By the kind of a rule: the answer, or undefined where it is empty; what is wrong is thrown as
// [code, fact, fact]. Kinds that some surveys have not stand in parts/.
const refuse = (wrong, ...problem) => {
  if (wrong) throw problem;
};
const checks = {
  text: (value, least, most) => {
    refuse(typeof value !== "string", "type");
    const kept = clean(value), length = Array.from(kept).length;
    refuse(kept && length < least, "short", least);
    refuse(length > most, "long", most);
    return kept || undefined;
  },
  code: (value, codes) => {
    refuse(typeof value !== "string", "type");
    refuse(value && codes.indexOf(value) < 0, "choice");
    return value || undefined;
  },
  codes: (value, codes, least, most) => {
    refuse(!Array.isArray(value) || value.some(code => typeof code !== "string"), "type");
    refuse(value.some((code, at) => codes.indexOf(code) < 0 || value.indexOf(code) < at), "choice");
    refuse(value[0] && value.length < least, "few", least);
    refuse(value.length > most, "many", most);
    return value[0] ? codes.filter(code => value.indexOf(code) >= 0) : undefined;
  },
  scale: (value, low, high, na) => na === 1 && value === "na" ? value : checks.number(value, low, high, 0),
  number: (value, low, high, decimals) => {
    if (value === "") return undefined;
    refuse(typeof value !== "number", "number");
    refuse(value < low || value > high, "range", low, high);
    refuse(+value.toFixed(decimals) !== value, "decimals", decimals);
    return value;
  }
};
const check = (rule, value, answers) => value == null && rule[0] !== "value" ? undefined
  : checks[rule[0]](value, ...rule.slice(1), answers);

// Walk the fields ([id, rule, required, show_if, end_if, choice_if]) over raw answers by id.
const read = (fields, given) => {
  const raw = bare(given), answers = bare(), shown = [], problems = [], choices = bare();
  let ended = false;
  fields.forEach(([id, rule, required, showIf, endIf, choiceIf]) => {
    if (!ended && (!showIf || holds(showIf, answers))) {
      shown.push(id);
      if (rule) {
        let offered = rule;
        if (choiceIf) {
          const when = bare(choiceIf);
          choices[id] = rule[1].filter(code => !when[code] || holds(when[code], answers));
          offered = [rule[0], choices[id]].concat(rule.slice(2));
        }
        try {
          const value = check(offered, raw[id], answers);
          if (value !== undefined) answers[id] = value;
          else if (required) throw ["required"];
        } catch (problem) {
          problems.push([id].concat(problem));
        }
      }
    }
    ended = ended || !!endIf && holds(endIf, answers);
  });
  return {answers, shown, problems, choices};
};
