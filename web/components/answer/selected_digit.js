(answer, image) => {
  const {digits, selected} = answer, digit = digits[selected];
  return [digit?.top ?? [], digit ?? {percents: [], certain: true}, {image, selected}];
}
