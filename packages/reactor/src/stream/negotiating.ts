/** A context factory that offers what a protocol factory can speak (ALPN). */
import { providedBy } from "../components.js";
import { IProtocolNegotiationFactory, type ITLSContextFactory } from "../interfaces.js";

/** The same context factory, unless the protocol factory has protocols to choose from. */
export function negotiating(contextFactory: ITLSContextFactory, factory: unknown): ITLSContextFactory {
  if (!providedBy(IProtocolNegotiationFactory, factory)) return contextFactory;
  return {
    settingsForTLS: (isClient) => ({
      ...contextFactory.settingsForTLS(isClient),
      ALPNProtocols: [...factory.acceptableProtocols()],
    }),
  };
}
