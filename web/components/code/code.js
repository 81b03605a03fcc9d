// A button copies the lines below it, says so, and says it aloud.

const said = element.querySelector('.said');

async function copy(lines) {
  if (navigator.clipboard) return navigator.clipboard.writeText(lines.textContent);
  // A page that is not served over HTTPS, to another machine, has no clipboard: the selection is copied.
  getSelection().selectAllChildren(lines);
  if (!document.execCommand('copy')) throw new Error('the browser does not copy');
}

element.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  const copied = await copy(button.nextElementSibling.firstElementChild).then(() => true, () => false);
  said.textContent = copied ? texts.code.copied : texts.code.not_copied;
  if (copied) button.textContent = texts.code.copied;
  setTimeout(() => {
    said.textContent = '';
    button.textContent = texts.code.copy;
  }, 3000);
});
