/**
 * Keeps better-auth's sessions in the chat backend's DynamoDB table, where the backend looks them up.
 *
 * Copy this file into the web app, `npm install @aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb`, and:
 *
 *     const documents = DynamoDBDocument.from(new DynamoDBClient({}));
 *     export const auth = betterAuth({
 *       secondaryStorage: dynamoDbStorage(documents, process.env.TABLE_NAME!),
 *       // … database, plugins and the rest as before
 *     });
 *
 * Users stay in the web app's own database. better-auth then keeps sessions only here, and with them its short-lived
 * verification values and rate limits. Those who are signed in when this is deployed sign in once more.
 *
 * One item per key: `pk` = `BA#<key>`, `sk` = `-`, `v` = the value, `ttl` = the second after which it is gone. The web
 * app's role needs dynamodb:GetItem, PutItem, UpdateItem and DeleteItem on the table, and no more than the items whose
 * `dynamodb:LeadingKeys` begin with `BA#`. Made for better-auth 1.7.
 */
import type { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import type { BetterAuthOptions } from "better-auth";

/** The interface has no name of its own among better-auth's exports. */
type SecondaryStorage = NonNullable<BetterAuthOptions["secondaryStorage"]>;

/** better-auth's `secondaryStorage` in the table of this name. */
export function dynamoDbStorage(documents: DynamoDBDocument, TableName: string): SecondaryStorage {
  const keyOf = (key: string) => ({ pk: `BA#${key}`, sk: "-" });
  const now = () => Math.floor(Date.now() / 1000);
  /** DynamoDB may take days to delete what has run out. */
  const live = (item?: Record<string, any>) => (item && !(item.ttl < now()) ? item.v : null);

  return {
    // Consistent, for better-auth reads what it has just written.
    get: async (key) => live((await documents.get({ TableName, Key: keyOf(key), ConsistentRead: true })).Item),

    set: async (key, v, ttl) => {
      await documents.put({ TableName, Item: { ...keyOf(key), v, ...(ttl && { ttl: now() + Math.ceil(ttl) }) } });
    },

    delete: async (key) => {
      await documents.delete({ TableName, Key: keyOf(key) });
    },

    getAndDelete: async (key) =>
      live((await documents.delete({ TableName, Key: keyOf(key), ReturnValues: "ALL_OLD" })).Attributes),

    /** Counts in windows of `ttl` seconds, which begin with the first count. better-auth limits rates with it. */
    increment: async (key, ttl) => {
      const at = { TableName, Key: keyOf(key), ExpressionAttributeNames: { "#v": "v", "#ttl": "ttl" } };
      const count = (UpdateExpression: string, ConditionExpression: string) =>
        documents
          .update({
            ...at,
            UpdateExpression,
            ConditionExpression,
            ExpressionAttributeValues: { ":one": 1, ":now": now(), ":end": now() + Math.ceil(ttl) },
            ReturnValues: "ALL_NEW",
          })
          .then(({ Attributes }) => Attributes!.v as number)
          .catch((error) => {
            if (error.name !== "ConditionalCheckFailedException") throw error;
          });
      for (;;) {
        const counted =
          (await count(
            "SET #ttl = if_not_exists(#ttl, :end) ADD #v :one",
            "attribute_not_exists(pk) OR #ttl >= :now",
          )) ?? (await count("SET #ttl = :end, #v = :one", "#ttl < :now"));
        // Nothing counted: between the two, somebody else began the next window.
        if (counted !== undefined) return counted;
      }
    },
  };
}
