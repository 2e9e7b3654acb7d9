// Names the partitions of a file, with the installed library alone.
#include <cstdio>

#include <salvage/io/sources.hpp>
#include <salvage/partition/layout.hpp>

int main(int argc, char** argv)
{
    if (argc != 2) {
        return 2;
    }
    const auto source = salvage::io::open_any(argv[1]);
    if (!source.has_value()) {
        return 1;
    }
    auto tables = salvage::partition::read_tables(**source, argv[1]);
    if (!tables.has_value()) {
        return 1;
    }
    for (const auto& partition : salvage::partition::reconcile(std::move(*tables), std::nullopt).partitions) {
        std::puts(partition.name.c_str());
    }
    return 0;
}
