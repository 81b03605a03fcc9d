(answer) => {
  const digit = answer.digits[answer.chosen];
  return digit ? [digit.top, digit.percents] : [[], []];
}
