// Collects the files that were dropped, pasted or chosen, those in folders included, as [{file, name}, ...].

/**
 * Return the files of a drop or a paste. Of a file that can't be read, file is null.
 * @param {DataTransfer} transfer
 * @returns {Promise<{file: ?File, name: string}[]>}
 */
async function collectFiles(transfer) {
  // The list of items is empty once the event is over, so the entries are requested before anything is awaited.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return nameFiles(transfer.files);
  return (await Promise.all(entries.map(filesOfEntry))).flat();
}

/** Return files with their names, or their paths where a folder was chosen. @param {FileList} files */
function nameFiles(files) {
  return [...files].map((file) => ({file, name: file.webkitRelativePath || file.name}));
}

/** Return the file of an entry, or all files in it if it is a folder. @param {FileSystemEntry} entry */
async function filesOfEntry(entry) {
  if (entry.isFile) {
    const name = entry.fullPath.replace(/^\//, '');
    return new Promise((resolve) => entry.file((file) => resolve([{file, name}]), () => resolve([{file: null, name}])));
  }
  const reader = entry.createReader(), children = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));  // at most 100
    if (!some.length) break;
    children.push(...some.filter(({name}) => !name.startsWith('.')));  // hidden files of the operating system
  }
  return (await Promise.all(children.map(filesOfEntry))).flat();
}
