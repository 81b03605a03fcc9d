(answer, image) => {
  const {digits, chosen} = answer, digit = digits[chosen];
  return [digit?.top ?? [], digit ?? {percents: [], certain: true}, {image, chosen}];
}
