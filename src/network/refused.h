/* Private to network: packets that the rules refuse, on their way to whoever wants to know. */
#ifndef NETWORK_REFUSED_H
#define NETWORK_REFUSED_H

enum { REFUSED_GROUP = 1 }; /* of nflog: the rules log to it, in namespaces of our own */

#endif
