// Files that were dropped, pasted or chosen, those in folders included: [{file, name}, ...]

async function filesIn(transfer) {
  // The list of items is empty once the event is over: what they are is asked of them now.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return asJobs(transfer.files);
  return (await Promise.all(entries.map(filesUnder))).flat();
}

function asJobs(files) {
  return [...files].map((file) => ({file, name: file.webkitRelativePath || file.name}));
}

async function filesUnder(entry) {
  if (entry.isFile) {
    const name = entry.fullPath.replace(/^\//, '');
    return new Promise((done) => entry.file((file) => done([{file, name}]), () => done([{file: null, name}])));
  }
  const reader = entry.createReader(), found = [];
  for (;;) {
    const some = await new Promise((done) => reader.readEntries(done, () => done([])));  // a hundred at most
    if (!some.length) break;
    found.push(...some.filter(({name}) => !name.startsWith('.')));  // what systems put there unasked
  }
  return (await Promise.all(found.map(filesUnder))).flat();
}
