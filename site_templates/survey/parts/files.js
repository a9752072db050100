// The tokens of uploads; one control holds them all.
coercions.files = (text, texts) => texts.join(" ").split(" ").filter(Boolean);
checks.files = (tokens, most) => {
  const token = /^[12]\d{3}-[01]\d-[0-3]\d-[\da-f]{32}$/;
  refuse(tokens.some((one, at) => !token.test(one) || tokens.indexOf(one) < at), "upload");
  refuse(tokens.length > most, "many", most);
  return tokens[0] && tokens;
};
