// Reads stories' oEmbed answers with @extractus/oembed-extractor: by discovery on the page, and by its list of providers.
// Prints one JSON object. Arguments: the package's path, the server's address, addresses of pages.
const [, , library, server, ...pages] = process.argv;
const { extract, setProviderList, findProvider } = await import(library);
const answers = { discovered: [], listed: [] };
for (const page of pages) {
  answers.discovered.push(await extract(page).catch((error) => ({ error: String(error) })));
}
setProviderList([
  { provider_name: "Here", provider_url: server, endpoints: [{ schemes: [`${server}/s/*`], url: `${server}/oembed` }] },
]);
// The library asks providers of its list over https only.
const plain = (address, options) => fetch(String(address).replace(/^https:/, "http:"), options);
for (const page of pages) {
  if (!findProvider(page)) throw new Error("not in the list");
  answers.listed.push(await extract(page, { maxwidth: 400, maxheight: 300 }, plain).catch((error) => ({ error: String(error) })));
}
console.log(JSON.stringify(answers));
