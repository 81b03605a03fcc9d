// A click lays an example on the pad.

element.addEventListener('click', (event) => {
  const picture = event.target.closest('button')?.querySelector('img').src;
  if (picture) document.dispatchEvent(new CustomEvent('digits:example', {detail: picture}));
});
