// expect: use of deleted function|call to deleted constructor
#include "salvage/core/secret.hpp"
salvage::SecretBytes twice(const salvage::SecretBytes& secret)
{
    return secret;
}
