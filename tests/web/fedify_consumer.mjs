// Reads a discussion with the vocabulary classes of Fedify, as software of the fediverse does. Prints one JSON object.
// Arguments: the package's path, the collection's address.
const [, , library, address] = process.argv;
const { Collection, Note, Page, Tombstone, OrderedCollectionPage } = await import(library);

const documentLoader = async (url) => {
  const response = await fetch(url, { headers: { Accept: "application/activity+json" } });
  if (!response.ok && response.status !== 410) throw new Error(`${response.status} of ${url}`);
  return { contextUrl: null, documentUrl: url, document: await response.json() };
};
const options = { documentLoader, crossOrigin: "trust" };
const collection = await Collection.fromJsonLd((await documentLoader(address)).document, options);
const items = [];
let page = await collection.getFirst(options);
while (page) {
  if (!(page instanceof OrderedCollectionPage)) throw new Error("not a page");
  for await (const item of page.getItems(options)) {
    const type = [Page, Note, Tombstone].find((one) => item instanceof one)?.name;
    const author = type === "Note" ? await item.getAttribution(options) : null;
    items.push({
      type,
      id: item.id?.href,
      content: item.content?.toString(),
      author: author?.name?.toString(),
      parent: item.replyTargetId?.href,
      context: (item.contextIds?.[0] ?? (await item.getContext?.(options))?.id)?.href,
      deleted: item.deleted?.toString(),
    });
  }
  page = await page.getNext?.(options);
}
console.log(JSON.stringify({ total: collection.totalItems, items }));
