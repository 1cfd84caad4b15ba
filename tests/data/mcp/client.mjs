// client - what a program does with the advisor over MCP, with the public SDK: prints what it found as one JSON object.
// SPDX-License-Identifier: MIT
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, token, symbol] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
const client = new Client({ name: "tradecast-test", version: "1" });
const found = {};

await client.connect(transport);
found.server = client.getServerVersion();
found.session = transport.sessionId;
await client.ping();
found.tools = (await client.listTools()).tools.map((tool) => tool.name);
found.symbols = (await client.callTool({ name: "list_symbols", arguments: {} })).structuredContent.symbols;
found.package = (await client.callTool({ name: "get_package", arguments: { symbol } })).structuredContent;
const decision = { package_id: found.package.package_id, symbol, action: "buy", price: 1.0843, reasoning: "by MCP\nin two lines", model: "sdk" };
found.proposed = await client.callTool({ name: "propose_decision", arguments: decision });
found.again = await client.callTool({ name: "propose_decision", arguments: decision });
found.invalid = await client.callTool({ name: "propose_decision", arguments: { ...decision, action: "moon" } });
found.decisions = (await client.callTool({ name: "list_decisions", arguments: { state: "proposed" } })).structuredContent.decisions;
found.one = (await client.callTool({ name: "get_decision", arguments: { decision_id: found.proposed.structuredContent.decision_id } })).structuredContent;
found.resources = (await client.listResources()).resources.map((resource) => resource.uri);
found.templates = (await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate);
found.read = JSON.parse((await client.readResource({ uri: `tradecast://llm/package/${symbol}` })).contents[0].text);
found.schema = JSON.parse((await client.readResource({ uri: found.resources[0] })).contents[0].text);
found.prompt = (await client.getPrompt({ name: "decide", arguments: { symbol } })).messages[0].content.text;
for (const [name, call] of Object.entries({
  unknown_tool: () => client.callTool({ name: "rm", arguments: {} }),
  unknown_resource: () => client.readResource({ uri: "file:///etc/passwd" }),
})) {
  found[name] = await call().then(() => null, (error) => error.code);
}
await transport.terminateSession();
await client.close();
console.log(JSON.stringify(found));
