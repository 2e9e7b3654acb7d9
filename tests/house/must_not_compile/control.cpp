// compiles: what shows that the others fail for their own reason
#include "salvage/core/secret.hpp"
#include "salvage/core/units.hpp"
auto sum = salvage::ByteOffset{1} + salvage::ByteCount{2};
bool same(const salvage::SecretBytes& left, const salvage::SecretBytes& right)
{
    return salvage::equal_constant_time(left.expose(), right.expose());
}
