// expect: no match for .operator\+.|invalid operands to binary expression
#include "salvage/core/units.hpp"
auto sum = salvage::ByteOffset{1} + salvage::ByteOffset{2};
