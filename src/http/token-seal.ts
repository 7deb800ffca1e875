// Seals the tokens of one account (AES-256-GCM) with a key that is made of what the config says of it (HKDF, RFC 5869): who has the
// database and not the config can neither read nor replace them.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const cipher = "aes-256-gcm";
const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;

export interface TokenSeal {
  /** What the sealed text is found by. It tells nothing of the secrets. */
  readonly id: string;
  /** Returns nonce, tag and the text under the key. */
  seal(text: string): Buffer;
  /** Returns the text again; undefined when another key has sealed it, or it was changed. */
  open(sealed: Buffer): string | undefined;
}

/** Returns the seal of the account with these secrets, which may be long-lived, or used up by now. */
export function tokenSeal(secrets: readonly string[]): TokenSeal {
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync("sha256", JSON.stringify(secrets), "", `throughline ${purpose}`, length));
  const key = derive("token key", keyLength);
  const id = derive("token id", tagLength).toString("hex");
  return {
    id,
    seal: (text) => {
      const nonce = randomBytes(nonceLength);
      const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(id));
      const sealed = Buffer.concat([sealing.update(text, "utf8"), sealing.final()]);
      return Buffer.concat([nonce, sealing.getAuthTag(), sealed]);
    },
    open: (sealed) => {
      const [nonce, rest] = [sealed.subarray(0, nonceLength), sealed.subarray(nonceLength)];
      if (rest.length < tagLength) return undefined;
      try {
        const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(id));
        opening.setAuthTag(rest.subarray(0, tagLength));
        return Buffer.concat([opening.update(rest.subarray(tagLength)), opening.final()]).toString("utf8");
      } catch {
        return undefined;
      }
    },
  };
}
