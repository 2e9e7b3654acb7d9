// expect: no match for .operator==.|invalid operands to binary expression
#include "salvage/core/secret.hpp"
bool same(const salvage::SecretBytes& left, const salvage::SecretBytes& right)
{
    return left == right;
}
