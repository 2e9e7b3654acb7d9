// expect: ignoring returned value|ignoring return value
#include "salvage/core/result.hpp"
salvage::Result<> work();
void careless()
{
    work();
}
