/** ssh2's own packet codec, for tests, which ask it what it makes of ours. */
declare module "ssh2/lib/protocol/crypto.js" {
  interface CipherInfo {
    readonly sslName: string;
    readonly blockLen: number;
    readonly keyLen: number;
    readonly ivLen: number;
    readonly authLen: number;
    readonly discardLen: number;
    readonly stream: boolean;
  }
  interface MacInfo {
    readonly sslName: string;
    readonly len: number;
    readonly actualLen: number;
    readonly isETM: boolean;
  }
  interface Cipher {
    readonly outSeqno: number;
    allocPacket(payloadLength: number): Buffer;
    encrypt(packet: Buffer): void;
    free(): void;
  }
  interface Decipher {
    readonly inSeqno: number;
    decrypt(data: Buffer, start: number, end: number): number | undefined;
    free(): void;
  }
  export interface Codec {
    readonly bindingAvailable: boolean;
    readonly init: Promise<void>;
    readonly CIPHER_INFO: Readonly<Record<string, CipherInfo>>;
    readonly MAC_INFO: Readonly<Record<string, MacInfo>>;
    createCipher(config: { outbound: object }): Cipher;
    createDecipher(config: { inbound: object }): Decipher;
  }
  const codec: Codec;
  export default codec;
}
