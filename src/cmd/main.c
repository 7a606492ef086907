#include <stdio.h>

int main(void)
{
    return printf("leat %s\n", LEAT_VERSION) < 0;
}
