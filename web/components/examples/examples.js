// A click puts an example on the pad.

element.addEventListener('click', (event) => {
  const url = event.target.closest('button')?.querySelector('img').src;
  if (url) document.dispatchEvent(new CustomEvent('digits:example-selected', {detail: url}));
});
