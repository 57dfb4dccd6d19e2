// Drives the sandbox with jsforce, as somebody else's program would, and prints what came back:
//   node jsforce.mjs '{"url": …, "token": …, "secret": …, "client_id": …, "prefix": …}'
// Started from the directory in which jsforce is installed. One JSON object on standard output: a
// scenario's result by its name, or {"threw": …} where it failed. It judges nothing itself.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const jsforce = createRequire(resolve("package.json"))("jsforce");
const { url, token, secret, client_id, prefix } = JSON.parse(process.argv[2]);
const KEY = "DataOS_Project_Id__c";
const conn = new jsforce.Connection({ instanceUrl: url, accessToken: token, version: "59.0" });
const tickets = conn.sobject("Ticket__c");
const recordType = await conn
  .sobject("RecordType")
  .findOne({ DeveloperName: "Strategic_Initiative" }, ["Id"]);
const project = (name, more = {}) => ({
  RecordTypeId: recordType.Id,
  Title__c: name,
  Status__c: "In Design",
  [KEY]: `${prefix}-${name}`,
  ...more,
});
const bad = { Status__c: "Nowhere" };
const asked = (where, fields = "Id, Title__c") =>
  conn.query(`SELECT ${fields} FROM Ticket__c WHERE ${where}`);
const own = (name) => asked(`${KEY} = '${prefix}-${name}'`);
const polling = { pollInterval: 20, pollTimeout: 20_000 };

const scenarios = {
  async upsert() {
    const made = await tickets.upsert(project("one"), KEY);
    const again = await tickets.upsert(project("one", { Title__c: "Zwei 🧩" }), KEY);
    return { made, again, row: await tickets.retrieve(made.id) };
  },
  async upsert_refused() {
    return tickets.upsert(project("refused", bad), KEY).catch((error) => ({
      name: error.name,
      message: error.message,
    }));
  },
  async collections() {
    const made = await tickets.create([project("c1"), project("c2", bad), project("c3")]);
    const upserted = await tickets.upsert([project("c1"), project("c4")], KEY);
    const ids = [made[0].id, made[2].id];
    const updated = await tickets.update(ids.map((Id) => ({ Id, Title__c: "changed" })));
    const retrieved = await tickets.retrieve([...ids, "a0B000000000000AAA"]);
    const destroyed = await tickets.destroy(ids);
    return { made, upserted, updated, retrieved, destroyed };
  },
  async all_or_none() {
    const made = await tickets.create([project("a1"), project("a2", bad)], { allOrNone: true });
    return { made, left: (await own("a1")).totalSize };
  },
  async more_than_a_collection_holds() {
    const many = Array.from({ length: 450 }, (_, n) => project(`m${n}`));
    const made = await tickets.upsert(many, KEY, { allowRecursive: true });
    return { made: made.length, refused: made.filter((each) => !each.success) };
  },
  async query() {
    const where = `${KEY} LIKE '${prefix}-m%'`;
    const headers = { "Sforce-Query-Options": "batchSize=200" };
    const pages = await conn.query(`SELECT Id, Owner.Name FROM Ticket__c WHERE ${where}`, {
      headers,
    });
    const second = await conn.queryMore(pages.nextRecordsUrl, { headers });
    const whole = await conn.query(`SELECT Id FROM Ticket__c WHERE ${where}`, {
      autoFetch: true,
      maxFetch: 10_000,
      headers,
    });
    const { records: grouped } = await conn.query(
      `SELECT Status__c, COUNT(Id) n FROM Ticket__c WHERE ${where} GROUP BY Status__c`,
    );
    return {
      first: pages,
      second: second.records.length,
      whole: whole.records.length,
      counted: await tickets.count({ [KEY]: { $like: `${prefix}-m%` } }),
      grouped,
    };
  },
  async find() {
    return tickets
      .find({ [KEY]: { $like: `${prefix}-m4%` }, CreatedDate: { $gte: jsforce.SfDate.YESTERDAY } })
      .select(["Id", "Title__c"])
      .include("Histories")
      .select(["Field"])
      .end()
      .sort({ Title__c: -1 })
      .limit(2)
      .skip(1)
      .execute();
  },
  async malformed_query() {
    return conn.query("SELECT Nope__c FROM Ticket__c").catch((error) => ({
      code: error.errorCode,
      message: error.message,
    }));
  },
  async bulk2() {
    const input = [project("b1"), project("b2", bad), project("b3")];
    const results = await conn.bulk2.loadAndWaitForResults({
      object: "Ticket__c",
      operation: "upsert",
      externalIdFieldName: KEY,
      input,
      ...polling,
    });
    const stream = await conn.bulk2.query(
      `SELECT Id, Title__c FROM Ticket__c WHERE ${KEY} LIKE '${prefix}-b%' ORDER BY Title__c`,
      polling,
    );
    return { results, rows: await stream.toArray() };
  },
  async describe() {
    const described = await tickets.describe();
    const everything = await conn.describeGlobal();
    return {
      status: described.fields.find((field) => field.name === "Status__c"),
      key: described.fields.find((field) => field.name === KEY),
      objects: everything.sobjects.map((each) => each.name),
    };
  },
  async replication() {
    const { id } = await tickets.create(project("gone"));
    const { id: kept } = await tickets.create(project("kept"));
    await tickets.destroy(id);
    const span = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 120_000)];
    const { ids } = await tickets.updated(...span);
    const { deletedRecords } = await tickets.deleted(...span);
    const bin = await conn.query(`SELECT IsDeleted FROM Ticket__c WHERE Id = '${id}'`, {
      scanAll: true,
    });
    return { id, updated: [kept, id].map((each) => ids.includes(each)), deleted: deletedRecords.map((d) => d.id), bin };
  },
  async limits() {
    const limits = await conn.limits();
    return { daily: limits.DailyApiRequests, header: conn.limitInfo.apiUsage };
  },
  async composite() {
    const base = "/services/data/v59.0/sobjects/Ticket__c";
    return conn.requestPost("/composite", {
      allOrNone: true,
      compositeRequest: [
        { method: "POST", url: base, referenceId: "made", body: project("x1") },
        { method: "GET", url: `${base}/@{made.id}?fields=Title__c`, referenceId: "read" },
      ],
    });
  },
  async identity() {
    return conn.identity();
  },
  async soap_login() {
    const other = new jsforce.Connection({ loginUrl: url, version: "59.0" });
    const { id } = await other.login("ana@example.com", secret);
    return { id, records: (await other.query("SELECT Id FROM Organization")).totalSize };
  },
  async client_credentials() {
    const oauth2 = { clientId: client_id, clientSecret: secret, loginUrl: url };
    const other = new jsforce.Connection({ instanceUrl: url, oauth2 });
    const { id } = await other.authorize({ grant_type: "client_credentials" });
    return { id, records: (await other.query("SELECT Id FROM Organization")).totalSize };
  },
};

const results = {};
for (const [name, scenario] of Object.entries(scenarios)) {
  try {
    results[name] = await scenario();
  } catch (error) {
    results[name] = { threw: `${error.name}: ${error.message}` };
  }
}
console.log(JSON.stringify(results));
