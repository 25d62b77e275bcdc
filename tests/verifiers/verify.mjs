// Reads one delivery a line, {secret, headers, body}, and says for each whether the package takes it.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  let taken = true;
  try {
    new Webhook(secret).verify(body, headers);
  } catch {
    taken = false;
  }
  console.log(taken ? "taken" : "refused");
}
