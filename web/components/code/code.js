// A button copies the lines below it. The button shows the result, and a status message tells it to screen readers.

const copyStatus = element.querySelector('.copy-status');
const MESSAGE_MILLISECONDS = 3000;  // that the result of copying is shown

/**
 * Copy the text of an element to the clipboard.
 * @param {Element} lines
 */
async function copy(lines) {
  if (navigator.clipboard) return navigator.clipboard.writeText(lines.textContent);
  // Without HTTPS, and from another machine, a page has no access to the clipboard. Copying the selection still works.
  getSelection().selectAllChildren(lines);
  if (!document.execCommand('copy')) throw new Error('the browser does not copy');
}

element.addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  const isCopied = await copy(button.nextElementSibling.firstElementChild).then(() => true, () => false);
  copyStatus.textContent = isCopied ? texts.code.copied : texts.code.not_copied;
  if (isCopied) button.textContent = texts.code.copied;
  setTimeout(() => {
    copyStatus.textContent = '';
    button.textContent = texts.code.copy;
  }, MESSAGE_MILLISECONDS);
});
