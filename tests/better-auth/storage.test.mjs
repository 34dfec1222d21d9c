// The adapter in docs/better-auth against a DynamoDB: `DYNAMODB_ENDPOINT=… TABLE_NAME=… npm test`, with Node 24.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { dynamoDbStorage } from "../../docs/better-auth/dynamodb-storage.ts";

const TableName = process.env.TABLE_NAME;
const credentials = { accessKeyId: "local", secretAccessKey: "local" };
const client = new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT, region: "us-east-1", credentials });
const documents = DynamoDBDocument.from(client);
const storage = dynamoDbStorage(documents, TableName);
after(() => client.destroy());

let keys = 0;
const newKey = () => `test-${process.pid}-${keys++}`;
const Key = (key) => ({ pk: `BA#${key}`, sk: "-" });
const now = () => Math.floor(Date.now() / 1000);

test("a value is kept under its key with the second it ends at", async () => {
  const key = newKey();
  assert.equal(await storage.get(key), null);
  const before = now();
  await storage.set(key, "value", 60);
  assert.equal(await storage.get(key), "value");
  const { Item } = await documents.get({ TableName, Key: Key(key) });
  assert.ok(Item.ttl >= before + 60 && Item.ttl <= now() + 60, `ttl ${Item.ttl}`);

  await storage.set(key, "without end");
  assert.deepEqual((await documents.get({ TableName, Key: Key(key) })).Item, { ...Key(key), v: "without end" });
  await storage.delete(key);
  assert.equal(await storage.get(key), null);
});

test("what has run out is not there, though DynamoDB still has it", async () => {
  const key = newKey();
  await documents.put({ TableName, Item: { ...Key(key), v: "old", ttl: now() - 1 } });
  assert.equal(await storage.get(key), null);
  assert.equal(await storage.getAndDelete(key), null);
});

test("only one of many takes a value away", async () => {
  const key = newKey();
  await storage.set(key, "once", 60);
  const taken = await Promise.all(Array.from({ length: 10 }, () => storage.getAndDelete(key)));
  assert.deepEqual(taken.filter((value) => value !== null), ["once"]);
});

test("no count is lost, and the window stays where it began", async () => {
  const key = newKey();
  const counts = await Promise.all(Array.from({ length: 20 }, () => storage.increment(key, 60)));
  assert.deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 1));
  const { ttl } = (await documents.get({ TableName, Key: Key(key) })).Item;
  assert.equal(await storage.increment(key, 6000), 21);
  assert.equal((await documents.get({ TableName, Key: Key(key) })).Item.ttl, ttl);
});

test("a window that has ended begins anew with one", async () => {
  const key = newKey();
  await documents.put({ TableName, Item: { ...Key(key), v: 100, ttl: now() - 1 } });
  const counts = await Promise.all(Array.from({ length: 10 }, () => storage.increment(key, 60)));
  assert.deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 10 }, (_, index) => index + 1));
});
