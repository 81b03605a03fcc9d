(answer) => {
  const digit = answer.digits[answer.chosen];
  if (!digit) return [{}, []];
  const confidences = digit.top.map(([label, confidence]) => ({label, confidence}));
  return [{label: digit.label, confidences}, digit.percents];
}
