// The page's twin, asked over lines: one JSON array [function, argument, …] in, its result out.
"use strict";
const {readFileSync} = require("fs");
const source = process.argv.slice(2).map(path => readFileSync(path, "utf8")).join("");
const twin = new Function(`const after = [], own = answers => Object.assign(bare(), answers);
${source};return {
  holds, coerce, check: ([kind, ...limits], value) => checks[kind](value, ...limits),
  figure: (formula, answers) => figure(formula, own(answers)),
  // Every field has its control, which holds something or nothing.
  read: (fields, given) => {
    const raw = own(given);
    return read(fields, (id, rule) => raw[id] == null ? coerce(rule, []) : raw[id]);
  }
};`)();
const lines = require("readline").createInterface({input: process.stdin});
lines.on("line", line => {
  const [name, ...given] = JSON.parse(line);
  let result;
  try {
    const value = twin[name](...given);
    result = {value: value === undefined ? null : value};
  } catch (problem) {
    if (!Array.isArray(problem)) throw problem;
    result = {problem: problem[0]};
  }
  console.log(JSON.stringify(result));
});
